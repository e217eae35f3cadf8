//! Nothing: its tests show what the compiler says to whoever would open raw data where the service stands.
