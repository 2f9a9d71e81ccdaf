#pragma once
#include <stdbool.h>
#include <stdint.h>

/// The instruction set that this program's kernels are built for, by its name: `portable`, `x86-64-v3`, `x86-64-v4` or
/// `arm64`. The string lives as long as the program.
const char *ostr_processor_built_for(void);

/// Whether this processor can run kernels that are built for an instruction set; false for a name that is none of this
/// architecture's.
bool ostr_processor_has(const char *instruction_set);

/// Asks for the cache line at an address to be brought into the second-level cache. Any address will do.
static inline void ostr_prefetch(const void *address) { __builtin_prefetch(address, 0, 2); }

/// The same word, in a register of its own: the compiler makes no vector of it and others.
static inline uint64_t ostr_scalar(uint64_t word) {
    __asm__("" : "+r"(word));
    return word;
}
