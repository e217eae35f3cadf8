//! Secrets and signatures, as Standard Webhooks defines them: HMAC-SHA256 over `id.timestamp.body`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

/// A secret that one receiver shares with this server. It is wiped from memory when it goes, and has no `Debug`.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// A secret of these bytes: 24 to 64 of them, by the specification.
    pub fn of(bytes: &[u8]) -> Self {
        Secret(Zeroizing::new(bytes.to_vec()))
    }

    /// The text that a receiver is given: `whsec_` and the bytes in base64.
    pub fn text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("whsec_{}", STANDARD.encode(&*self.0)))
    }

    fn sign(&self, message: &Message<'_>) -> Option<String> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(format!("{}.{}.", message.id, message.timestamp).as_bytes());
        mac.update(message.body);
        Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
    }
}

/// A message to a receiver.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// Id, the same in every try: header `webhook-id`.
    pub id: &'a str,
    /// Time of this try, in seconds since 1970: header `webhook-timestamp`.
    pub timestamp: i64,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

impl Message<'_> {
    /// The value of the header `webhook-signature`: one signature a secret, with spaces between them. Two while a secret is replaced.
    pub fn signature(&self, secrets: &[&Secret]) -> String {
        secrets.iter().filter_map(|secret| secret.sign(self)).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn a_signature_is_that_of_the_specification() {
        let bytes = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let secret = Secret::of(&bytes);
        assert_eq!(*secret.text(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let message = Message {
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
            timestamp: 1_614_265_330,
            body: br#"{"test": 2432232314}"#,
        };
        let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(message.signature(&[&secret]), signature);
        let other = Secret::of(&[1; 32]);
        let both = message.signature(&[&secret, &other]);
        assert!(both.starts_with(&format!("{signature} v1,")) && both.len() > signature.len() + 40);
        assert_ne!(Message { timestamp: 1_614_265_331, ..message }.signature(&[&secret]), signature);
    }
}
