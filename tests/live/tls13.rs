// SPDX-License-Identifier: Apache-2.0

//! A TLS 1.3 peer with rustls 0.20. No key log is written: rustls' own is off.
//!
//!     rustls-peer serve ADDRESS:PORT BASE     BASE.cert.der, BASE.key.der; until it is ended
//!     rustls-peer connect ADDRESS:PORT
use rustls::client::{ServerCertVerified, ServerCertVerifier};
use rustls::{Certificate, ClientConfig, ClientConnection, PrivateKey};
use rustls::{ServerConfig, ServerConnection, ServerName, Stream};
use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::SystemTime;

struct TakeAny;

impl ServerCertVerifier for TakeAny {
    fn verify_server_cert(
        &self,
        _: &Certificate,
        _: &[Certificate],
        _: &ServerName,
        _: &mut dyn Iterator<Item = &[u8]>,
        _: &[u8],
        _: SystemTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
}

fn answer(config: Arc<ServerConfig>, mut socket: TcpStream) -> Result<(), Box<dyn Error>> {
    let mut tls = ServerConnection::new(config)?;

    Stream::new(&mut tls, &mut socket).read(&mut [0; 100])?;
    Ok(())
}

fn serve(address: &str, base: &str) -> Result<(), Box<dyn Error>> {
    let chain = vec![Certificate(std::fs::read(format!("{base}.cert.der"))?)];
    let key = PrivateKey(std::fs::read(format!("{base}.key.der"))?);
    let config = ServerConfig::builder().with_safe_defaults().with_no_client_auth();
    let config = Arc::new(config.with_single_cert(chain, key)?);

    for socket in TcpListener::bind(address)?.incoming() {
        // What one peer does wrong is no matter for the next.
        let _ = answer(config.clone(), socket?);
    }
    Ok(())
}

fn connect(address: &str) -> Result<(), Box<dyn Error>> {
    let config = ClientConfig::builder().with_safe_defaults();
    let config = config.with_custom_certificate_verifier(Arc::new(TakeAny)).with_no_client_auth();
    let mut tls = ClientConnection::new(Arc::new(config), "rustls.test".try_into()?)?;
    let mut socket = TcpStream::connect(address)?;

    Stream::new(&mut tls, &mut socket).write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().collect();

    match words[1].as_str() {
        "serve" => serve(&words[2], &words[3]),
        _ => connect(&words[2]),
    }
}
