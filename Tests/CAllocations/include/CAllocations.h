#pragma once

/// How many times the calling thread has taken heap memory so far; negative where that is not counted: on C libraries
/// other than glibc, and under sanitizers, which have an allocator of their own.
long thread_allocations(void);
