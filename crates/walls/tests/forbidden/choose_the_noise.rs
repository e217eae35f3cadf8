// Noise comes from a key, a key from the operating system, and its scale from what pays for it.
use netdpsyn_account::NoiseScale;
use netdpsyn_fit::keys::NoiseKey;

fn main() {
    let _ = NoiseKey { key: [0; 32], computation: [0; 32] };
    let _ = NoiseKey::for_test(1);
    let _ = NoiseScale { numerator: 0, shift: 0 };
    let _ = netdpsyn_fit::fit_forced;
}
