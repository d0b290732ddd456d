//! Nothing: the example is about its lockfile.
