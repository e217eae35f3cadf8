//! Signed and verified, changed and refused; and by openssl.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use netdpsyn_seal::envelope::{PAYLOAD_TYPE, pre_authentication};
use netdpsyn_seal::{Envelope, PublicKey, Refused, SecretKey, Statement, Subject};
use proptest::prelude::*;
use serde_json::json;
use std::path::Path;
use std::process::Command;

fn statement() -> Statement {
    let subjects =
        vec![Subject::of_bytes("content", b"srcip\n10.0.0.1\n"), Subject::of_bytes("report", b"{}")];
    Statement::new("urn:example:release", subjects, json!({"release": "a", "text": "ε = 2 \" \\ \n"}))
}

fn signed() -> (SecretKey, Envelope) {
    let key = SecretKey::generate().unwrap();
    let envelope = Envelope::sign(&statement(), &key).unwrap();
    (key, envelope)
}

#[test]
fn signed_files_are_verified() {
    let (key, envelope) = signed();
    let other = SecretKey::generate().unwrap().public();
    let text = serde_json::to_vec(&envelope).unwrap();
    let (found, by) = Envelope::read(&text).unwrap().verify(&[other, key.public()]).unwrap();
    assert_eq!((found, by), (statement(), key.public()));
    assert!(statement().about(statement().subject[0].sha256().unwrap()).is_some());
    assert!(statement().about(&"0".repeat(64)).is_none());
    assert!(matches!(envelope.verify(&[other]), Err(Refused::NotSigned { keys: 1, .. })));
    assert!(matches!(envelope.verify(&[]), Err(Refused::NotSigned { keys: 0, .. })));
}

/// The example of the DSSE protocol's own text.
#[test]
fn the_signed_bytes_follow_the_protocol() {
    let bytes = pre_authentication("http://example.com/HelloWorld", b"hello world");
    assert_eq!(bytes, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
}

#[test]
fn another_kind_of_payload_is_refused_though_it_is_signed() {
    let (key, envelope) = signed();
    let other = Envelope { payload_type: "text/plain".into(), ..envelope.clone() };
    assert_eq!(other.verify(&[key.public()]), Err(Refused::NoStatement));
    assert!(matches!(Envelope::read(b"{}"), Err(Refused::NoEnvelope(_))));
}

proptest! {
    /// Whichever byte of the statement or the signature changes, it is refused.
    #[test]
    fn one_changed_byte_is_refused(at in any::<prop::sample::Index>(), by in 1u8..=255, of_signature in any::<bool>()) {
        let (key, mut envelope) = signed();
        let text = if of_signature { &mut envelope.signatures[0].sig } else { &mut envelope.payload };
        let mut bytes = STANDARD.decode(&*text).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= by;
        *text = STANDARD.encode(bytes);
        let refused = matches!(envelope.verify(&[key.public()]), Err(Refused::NotSigned { .. }));
        prop_assert!(refused);
    }
}

fn openssl(folder: &Path, arguments: &[&str]) -> std::process::Output {
    Command::new("openssl").args(arguments).current_dir(folder).output().unwrap()
}

/// openssl reads the key file, gives the same public key, and accepts the signature; one changed byte it refuses. It signs, too, and its key is read.
#[test]
fn openssl_says_the_same() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: there is no openssl here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let (key, envelope) = signed();
    std::fs::write(path.join("key.pem"), key.to_pem().unwrap().as_bytes()).unwrap();
    let public = openssl(path, &["pkey", "-in", "key.pem", "-pubout"]);
    let public = String::from_utf8(public.stdout).unwrap();
    assert_eq!(PublicKey::from_pem(&public).unwrap(), key.public());
    std::fs::write(path.join("public.pem"), key.public().to_pem().unwrap()).unwrap();
    let payload = STANDARD.decode(&envelope.payload).unwrap();
    std::fs::write(path.join("sig"), STANDARD.decode(&envelope.signatures[0].sig).unwrap()).unwrap();
    let mut bytes = pre_authentication(PAYLOAD_TYPE, &payload);
    let verify = [
        "pkeyutl",
        "-verify",
        "-pubin",
        "-inkey",
        "public.pem",
        "-rawin",
        "-in",
        "signed",
        "-sigfile",
        "sig",
    ];
    std::fs::write(path.join("signed"), &bytes).unwrap();
    let said = openssl(path, &verify);
    assert!(said.status.success(), "{said:?}");
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(path.join("signed"), &bytes).unwrap();
    assert!(!openssl(path, &verify).status.success());

    let made = openssl(path, &["genpkey", "-algorithm", "ed25519"]);
    let theirs = SecretKey::from_pem(&String::from_utf8(made.stdout).unwrap()).unwrap();
    assert!(Envelope::sign(&statement(), &theirs).unwrap().verify(&[theirs.public()]).is_ok());
}
