// A sensitivity is what a theorem says, never a number.
use netdpsyn_account::Sensitivity;

fn main() {
    let _ = Sensitivity(1);
}
