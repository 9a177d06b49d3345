//! The address of `--metrics`.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs as _},
    str::FromStr,
};

use crate::error::{CliError, CliResult};

/// An address to listen on; without a host, that of the loopback interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    text: String,
    addresses: Vec<SocketAddr>,
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const FORM: &str = "use HOST:PORT, or :PORT for this host only";
        let port = match text.strip_prefix(':') {
            Some(port) => port,
            None => text.rsplit_once(':').ok_or(FORM)?.1,
        };
        let port: u16 = port.parse().map_err(|_| FORM)?;
        let addresses = if text.starts_with(':') {
            vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))]
        } else {
            let found = text.to_socket_addrs();
            found.map_err(|error| error.to_string())?.collect()
        };
        Ok(Self {
            text: text.to_owned(),
            addresses,
        })
    }
}

impl Listen {
    /// Starts to listen.
    ///
    /// # Errors
    /// If another process listens there, or the address is not one of this host.
    pub fn bind(&self) -> CliResult<TcpListener> {
        TcpListener::bind(self.addresses.as_slice()).map_err(|error| {
            let why = match error.kind() {
                io::ErrorKind::AddrInUse => "the port is taken".to_owned(),
                io::ErrorKind::AddrNotAvailable => "it is not an address of this host".to_owned(),
                io::ErrorKind::PermissionDenied => "this user may not listen there".to_owned(),
                _ => error.to_string(),
            };
            let text = format!("metrics cannot be served at `{}`: {why}", self.text);
            CliError::configuration(text).hint("`--metrics :0` takes a free port, and prints it")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_host_only_this_one_can_connect() {
        let listen: Listen = ":9090".parse().unwrap();
        assert_eq!(listen.addresses, ["127.0.0.1:9090".parse().unwrap()]);
        let listen: Listen = "0.0.0.0:80".parse().unwrap();
        assert_eq!(listen.addresses, ["0.0.0.0:80".parse().unwrap()]);
        let listen: Listen = "[::1]:80".parse().unwrap();
        assert_eq!(listen.addresses, ["[::1]:80".parse().unwrap()]);
        for text in [
            "",
            ":",
            "9090",
            ":70000",
            "localhost",
            "localhost:http",
            "::1",
        ] {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
    }
}
