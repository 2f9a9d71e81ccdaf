#include <stddef.h>
#include <stdint.h>

// The entry of libFuzzer (https://llvm.org/docs/LibFuzzer.html), in the compiler's runtime library.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*test_one_input)(const uint8_t *data, size_t size));
