//! The demo's packets: one that somebody waits for, and one to a port where nobody does.

use std::{io, net::UdpSocket, thread, time::Duration};

use super::net::{ADDRESSES, Pair};

/// Port with a socket.
pub(super) const OPEN_PORT: u16 = 7001;
/// Port without one.
pub(super) const CLOSED_PORT: u16 = 7002;
/// Port of the packet before the show.
const WARM_UP_PORT: u16 = 7000;
const WARM_UP: Duration = Duration::from_millis(100);
/// How long the receiver waits.
const PATIENCE: Duration = Duration::from_secs(2);
const MESSAGE: &[u8] = b"skbtrail demo";

/// A socket in each namespace. Once open, they need neither the namespaces' handles nor any privilege.
pub(super) struct Sockets {
    sending: UdpSocket,
    receiving: UdpSocket,
}

impl Sockets {
    /// Opens both.
    pub(super) fn open(pair: &Pair) -> io::Result<Self> {
        let [from, to] = ADDRESSES;
        let receiving = pair.receiver.run(move || UdpSocket::bind((to, OPEN_PORT)))?;
        receiving.set_read_timeout(Some(PATIENCE))?;
        let sending = pair.sender.run(move || UdpSocket::bind((from, 0)))?;
        // A packet before the show: the neighbours find each other now, not in the middle of it.
        sending.send_to(MESSAGE, (to, WARM_UP_PORT))?;
        thread::sleep(WARM_UP);
        Ok(Self { sending, receiving })
    }

    /// Sends both packets and receives the first.
    pub(super) fn send(&self) -> io::Result<()> {
        let [_, to] = ADDRESSES;
        self.sending.send_to(MESSAGE, (to, OPEN_PORT))?;
        let mut buffer = [0; MESSAGE.len()];
        self.receiving.recv_from(&mut buffer)?;
        self.sending.send_to(MESSAGE, (to, CLOSED_PORT))?;
        Ok(())
    }
}
