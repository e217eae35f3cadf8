// The service does not depend on the privacy core.
use netdpsyn_privacy::Raw;

fn main() {}
