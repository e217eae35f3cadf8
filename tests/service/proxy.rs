//! A network between a server and its Postgres that can be cut.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// Forwards connections while it is up.
pub struct Proxy {
    port: u16,
    target: String,
    up: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    /// In front of the database that `url` names.
    pub fn before(url: &str) -> Proxy {
        let host = url.rsplit_once('@').unwrap().1.split_once('/').unwrap().0.to_string();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (up, open) = (Arc::new(AtomicBool::new(true)), Arc::new(Mutex::new(Vec::new())));
        let (lets, kept, to) = (Arc::clone(&up), Arc::clone(&open), host.clone());
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if !lets.load(SeqCst) {
                    continue;
                }
                let Ok(database) = TcpStream::connect(&to) else { continue };
                kept.lock().unwrap().extend([client.try_clone().unwrap(), database.try_clone().unwrap()]);
                let (a, b) = (client.try_clone().unwrap(), database.try_clone().unwrap());
                std::thread::spawn(move || forward(a, b));
                std::thread::spawn(move || forward(database, client));
            }
        });
        Proxy { port, target: host, up, open }
    }

    /// The database's address through this network.
    pub fn url(&self, url: &str) -> String {
        url.replace(&self.target, &format!("127.0.0.1:{}", self.port))
    }

    /// Cuts every connection; new ones are closed at once.
    pub fn cut(&self) {
        self.up.store(false, SeqCst);
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Mends it.
    pub fn mend(&self) {
        self.up.store(true, SeqCst);
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream) {
    let mut block = [0; 1 << 14];
    while let Ok(read @ 1..) = from.read(&mut block) {
        if to.write_all(&block[..read]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
