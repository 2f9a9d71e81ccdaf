#pragma once
#include <stdbool.h>

/// Whether this processor has the instructions that the kernels are built for.
bool ostr_processor_is_supported(void);

/// What the kernels need, for an error message.
const char *ostr_processor_requirement(void);
