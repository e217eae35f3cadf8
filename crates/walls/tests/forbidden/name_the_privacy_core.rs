// The privacy core is no dependency of the service.
use netdpsyn_privacy::Raw;

fn main() {}
