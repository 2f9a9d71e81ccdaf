#include "processor.h"

#if defined(__x86_64__)
bool ostr_processor_is_supported(void) {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}
const char *ostr_processor_requirement(void) { return "AVX2, FMA and BMI2 (x86-64-v3)"; }
#else
bool ostr_processor_is_supported(void) { return true; }
const char *ostr_processor_requirement(void) { return "nothing beyond the baseline"; }
#endif
