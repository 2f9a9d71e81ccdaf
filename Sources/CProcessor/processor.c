#include "processor.h"

#include <string.h>

const char *ostr_processor_built_for(void) { return OSTR_ISA; }

#if defined(__x86_64__)
static bool has_version_3(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("f16c") && __builtin_cpu_supports("lzcnt") &&
           __builtin_cpu_supports("movbe");
}

static bool has_version_4(void) {
    return has_version_3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

bool ostr_processor_has(const char *instruction_set) {
    __builtin_cpu_init();
    if (strcmp(instruction_set, "portable") == 0) return true;
    if (strcmp(instruction_set, "x86-64-v3") == 0) return has_version_3();
    if (strcmp(instruction_set, "x86-64-v4") == 0) return has_version_4();
    return false;
}
#else
bool ostr_processor_has(const char *instruction_set) { return strcmp(instruction_set, OSTR_ISA) == 0; }
#endif
