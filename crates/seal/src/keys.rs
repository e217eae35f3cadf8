//! The public keys of a publisher: the one that signs and those that signed before, as a JWK set (RFC 7517) with the PEM of each beside it.

use super::{KeyError, PublicKey};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Keys, the one that signs now first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet(pub Vec<Listed>);

/// A key of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The key.
    pub key: PublicKey,
    /// Since when it signs, a day or a time of RFC 3339.
    pub since: Option<String>,
    /// Until when it signed, where it does no more.
    pub until: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Serialize, Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    x: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(rename = "use", default, skip_serializing_if = "Option::is_none")]
    used: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alg: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pem: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

impl KeySet {
    /// The set as a document.
    ///
    /// # Errors
    /// Where a key cannot be encoded, which none is known to cause.
    pub fn document(&self) -> Result<serde_json::Value, KeyError> {
        let jwk = |listed: &Listed| {
            Ok(Jwk {
                kty: "OKP".into(),
                crv: "Ed25519".into(),
                x: listed.key.x(),
                kid: Some(listed.key.id()),
                used: Some("sig".into()),
                alg: Some("EdDSA".into()),
                pem: Some(listed.key.to_pem()?),
                since: listed.since.clone(),
                until: listed.until.clone(),
            })
        };
        let keys = self.0.iter().map(jwk).collect::<Result<_, KeyError>>()?;
        serde_json::to_value(Jwks { keys }).map_err(|_| KeyError::NoSet)
    }

    /// Reads a set. Keys of other kinds are passed over; `x` alone is believed, not the name or the PEM beside it.
    ///
    /// # Errors
    /// If the text is not a set, one of its keys is damaged, or none is of Ed25519.
    pub fn read(text: &[u8]) -> Result<Self, KeyError> {
        let set: Jwks = serde_json::from_slice(text).map_err(|_| KeyError::NoSet)?;
        let mut keys = Vec::new();
        for jwk in set.keys.into_iter().filter(|jwk| jwk.kty == "OKP" && jwk.crv == "Ed25519") {
            let bytes = URL_SAFE_NO_PAD.decode(&jwk.x).map_err(|_| KeyError::NoSet)?;
            let key = PublicKey::from_bytes(&bytes).map_err(|_| KeyError::NoSet)?;
            keys.push(Listed { key, since: jwk.since, until: jwk.until });
        }
        if keys.is_empty() { Err(KeyError::NoSet) } else { Ok(KeySet(keys)) }
    }

    /// The keys alone.
    pub fn keys(&self) -> Vec<PublicKey> {
        self.0.iter().map(|listed| listed.key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SecretKey;

    #[test]
    fn a_set_comes_back_and_keeps_its_order() {
        let listed = |until: Option<&str>| Listed {
            key: SecretKey::generate().unwrap().public(),
            since: Some("2026-01-05T08:00:00Z".into()),
            until: until.map(str::to_string),
        };
        let set = KeySet(vec![listed(None), listed(Some("2026-02-05T08:00:00Z"))]);
        let document = set.document().unwrap();
        assert_eq!(KeySet::read(document.to_string().as_bytes()).unwrap(), set);
        assert_eq!(document["keys"][0]["kid"], set.0[0].key.id());
        assert!(document["keys"][0].get("until").is_none());
    }

    #[test]
    fn other_kinds_are_passed_over_and_none_is_a_fault() {
        let own = SecretKey::generate().unwrap().public();
        let text = format!(
            r#"{{"keys": [{{"kty": "RSA", "n": "AQAB", "e": "AQAB"}}, {{"kty": "OKP", "crv": "Ed25519", "x": "{}", "kid": "whatever"}}]}}"#,
            own.x()
        );
        assert_eq!(KeySet::read(text.as_bytes()).unwrap().keys(), [own]);
        for text in [r#"{"keys": []}"#, "[]", r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}]}"#]
        {
            assert_eq!(KeySet::read(text.as_bytes()), Err(KeyError::NoSet), "{text}");
        }
    }
}
