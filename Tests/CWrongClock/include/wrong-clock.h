// Nothing: this library is loaded, not called.
