//! Ed25519 keys.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes,
};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

/// Why a key cannot be used. It tells nothing of the key.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum KeyError {
    /// The text is none.
    #[error("this is not an Ed25519 private key in PKCS#8 PEM")]
    NoSecret,
    /// The text is none.
    #[error("this is not an Ed25519 public key in PEM")]
    NoPublic,
    /// The document is not a set of keys.
    #[error("this is not a JWK set with Ed25519 keys")]
    NoSet,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    NoRandomness,
}

/// A secret key. It is wiped from memory when it goes, and has no `Debug`.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// A new one, from the system's random bytes.
    ///
    /// # Errors
    /// Where the system gives none.
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut *seed).map_err(|_| KeyError::NoRandomness)?;
        Ok(SecretKey(SigningKey::from_bytes(&seed)))
    }

    /// From PKCS#8 PEM, as `openssl genpkey -algorithm ed25519` writes it.
    ///
    /// # Errors
    /// If the text is not such a key.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        SigningKey::from_pkcs8_pem(text.trim()).map(SecretKey).map_err(|_| KeyError::NoSecret)
    }

    /// In PKCS#8 PEM of the first version, without the public key in it: older openssl reads no other.
    ///
    /// # Errors
    /// Where it cannot be encoded, which no key is known to cause.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        let mut bytes = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        let pem = bytes.to_pkcs8_pem(LineEnding::LF);
        zeroize::Zeroize::zeroize(&mut bytes.secret_key);
        pem.map_err(|_| KeyError::NoSecret)
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

/// A public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// From its 32 bytes.
    ///
    /// # Errors
    /// If they are not a point of the curve, or a weak one under which anybody can sign.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let bytes = bytes.try_into().map_err(|_| KeyError::NoPublic)?;
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NoPublic)?;
        if key.is_weak() { Err(KeyError::NoPublic) } else { Ok(PublicKey(key)) }
    }

    /// From PEM.
    ///
    /// # Errors
    /// If the text is not such a key.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_public_key_pem(text.trim()).map_err(|_| KeyError::NoPublic)?;
        PublicKey::from_bytes(key.as_bytes())
    }

    /// In PEM.
    ///
    /// # Errors
    /// Where it cannot be encoded, which no key is known to cause.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.0.to_public_key_pem(LineEnding::LF).map_err(|_| KeyError::NoPublic)
    }

    /// Its 32 bytes as a JWK has them.
    pub(crate) fn x(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0.as_bytes())
    }

    /// What it is called: its JWK thumbprint (RFC 7638), which anybody computes alike.
    pub fn id(&self) -> String {
        let required = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, self.x());
        URL_SAFE_NO_PAD.encode(Sha256::digest(required))
    }

    /// Whether it signed these bytes; keys and signatures of other forms that mean the same are refused.
    pub(crate) fn signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let signature = Signature::from_slice(signature);
        signature.is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_its_text() {
        let secret = SecretKey::generate().unwrap();
        let text = secret.to_pem().unwrap();
        assert!(text.starts_with("-----BEGIN PRIVATE KEY-----\n"));
        let back = SecretKey::from_pem(&text).unwrap();
        assert_eq!(back.public(), secret.public());
        let public = secret.public();
        assert_eq!(PublicKey::from_pem(&public.to_pem().unwrap()).unwrap(), public);
        assert_ne!(SecretKey::generate().unwrap().public(), public);
    }

    /// The example of RFC 8037, appendix A.3.
    #[test]
    fn a_key_is_called_by_its_thumbprint() {
        let x = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        let key = PublicKey::from_bytes(&x).unwrap();
        assert_eq!(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn an_invalid_key_is_refused() {
        assert_eq!(SecretKey::from_pem("nothing").err(), Some(KeyError::NoSecret));
        assert_eq!(PublicKey::from_pem("nothing").err(), Some(KeyError::NoPublic));
        assert_eq!(PublicKey::from_bytes(&[0; 31]).err(), Some(KeyError::NoPublic));
        // The neutral point: under it one signature fits every message.
        let mut neutral = [0; 32];
        neutral[0] = 1;
        assert_eq!(PublicKey::from_bytes(&neutral).err(), Some(KeyError::NoPublic));
    }
}
