//! Sends a frame of which only the link header lies in the linear part of its `sk_buff`: through the ring of a packet socket
//! (`PACKET_TX_RING`), whose pages the kernel hands on as they are.

#![expect(unsafe_code, reason = "a packet socket's ring is shared memory")]

use std::fs::File;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::path::Path;
use std::ptr;

use anyhow::{Context, Result, ensure};
use nix::sched::{CloneFlags, setns};

/// One block of one page, with two places for frames.
const BLOCK: usize = 4096;
const PLACE: usize = 2048;
/// `enum tpacket_versions`: `TPACKET_V2`; and where its frames begin: behind a `struct tpacket2_hdr`.
const VERSION: libc::c_int = 1;
const FRAME: usize = 32;
/// Word of that header that is `tp_len`; the first one is `tp_status`.
const LENGTH: usize = 1;

/// Sends `frame`, link header first, by the device with this index in a namespace.
pub(crate) fn send(namespace: &str, ifindex: u32, frame: &[u8]) -> Result<()> {
    ensure!(frame.len() + FRAME <= PLACE, "a frame of {} bytes", frame.len());
    let namespace = File::open(Path::new("/run/netns").join(namespace))?;
    // A thread of its own, so that this one stays where it is.
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| {
            setns(namespace, CloneFlags::CLONE_NEWNET)?;
            through_ring(ifindex, frame)
        });
        sender.join().ok().context("the thread that sends panicked")?.context("failed to send through a packet ring")
    })
}

fn through_ring(ifindex: u32, frame: &[u8]) -> io::Result<()> {
    // SAFETY: no memory is involved.
    let socket = checked(unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0) })?;
    // SAFETY: the kernel has just handed it out.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    option(&socket, libc::PACKET_VERSION, &VERSION)?;
    let request = libc::tpacket_req {
        tp_block_size: BLOCK as u32,
        tp_block_nr: 1,
        tp_frame_size: PLACE as u32,
        tp_frame_nr: (BLOCK / PLACE) as u32,
    };
    option(&socket, libc::PACKET_TX_RING, &request)?;
    // SAFETY: plain numbers.
    let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_ifindex = ifindex.cast_signed();
    let length = size_of::<libc::sockaddr_ll>() as u32;
    // SAFETY: the address is as long as is said.
    checked(unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) })?;
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a mapping at a place of the kernel's choice.
    let ring = unsafe { libc::mmap(ptr::null_mut(), BLOCK, protection, libc::MAP_SHARED, socket.as_raw_fd(), 0) };
    if ring == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let (bytes, words) = (ring.cast::<u8>(), ring.cast::<u32>());
    // SAFETY: the first place of the ring, which the frame fits; the status is written last.
    unsafe {
        ptr::copy_nonoverlapping(frame.as_ptr(), bytes.add(FRAME), frame.len());
        words.add(LENGTH).write_volatile(frame.len() as u32);
        words.write_volatile(libc::TP_STATUS_SEND_REQUEST);
    }
    // SAFETY: nothing is handed over but what the ring holds.
    let sent = unsafe { libc::send(socket.as_raw_fd(), ptr::null(), 0, 0) };
    let answer = if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) };
    // SAFETY: the mapping made above, which nothing uses any more.
    unsafe { libc::munmap(ring, BLOCK) };
    answer
}

fn option<T>(socket: &OwnedFd, name: libc::c_int, value: &T) -> io::Result<()> {
    let (value, length) = (ptr::from_ref(value).cast(), size_of::<T>() as u32);
    // SAFETY: the value is as long as is said.
    checked(unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_PACKET, name, value, length) }).map(drop)
}

fn checked(answer: libc::c_int) -> io::Result<libc::c_int> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}
