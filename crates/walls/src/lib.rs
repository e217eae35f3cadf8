//! Empty: its tests show the compiler's errors for service code that tries to open raw data.
