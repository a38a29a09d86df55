//! Listening: sockets, limits of connections, graceful stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use poem::listener::{Acceptor, Listener, TcpAcceptor, TcpListener};
use poem::{Endpoint, Response, Server};
use tokio::sync::watch;

use crate::config::LimitSettings;

/// A bound but not yet serving listener.
pub struct Bound {
    acceptor: TcpAcceptor,
    /// Where it really listens (a port of 0 was asked for).
    pub address: SocketAddr,
}

/// What a listener allows its connections.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How many may be open.
    pub connections: usize,
    /// How long a client may take nothing of what is being sent to it.
    pub stalled: Duration,
}

impl Limits {
    /// Those of the settings.
    pub fn of(settings: &LimitSettings) -> Self {
        Self { connections: settings.connections, stalled: Duration::from_secs(settings.stalled_s) }
    }
}

/// Binds `address`.
pub async fn bind(address: SocketAddr) -> std::io::Result<Bound> {
    let acceptor = TcpListener::bind(address).into_acceptor().await?;
    let address = acceptor.local_addr().first().and_then(|local| local.as_socket_addr().copied()).unwrap_or(address);
    Ok(Bound { acceptor, address })
}

/// Serves until `stop` turns true, then finishes open requests within `time_out`.
pub async fn serve<E>(
    bound: Bound,
    endpoint: E,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
    time_out: Duration,
) -> std::io::Result<()>
where
    E: Endpoint<Output = Response> + 'static,
{
    let stopping = async move {
        let _ = stop.wait_for(|is_stopping| *is_stopping).await;
    };
    let endpoint = Arc::new(endpoint);
    Server::new_with_acceptor(super::server::limited::Limited::new(bound.acceptor, limits))
        .http2_max_concurrent_streams(128)
        .http2_max_header_list_size(64 * 1024)
        .run_with_graceful_shutdown(endpoint, stopping, Some(time_out))
        .await
}

/// An acceptor that keeps the number of open connections bounded, and ends those that take nothing of what is sent to them: however
/// their answer is made, nobody waits for them for ever.
mod limited {
    use std::future::Future;
    use std::io::{Error, ErrorKind, IoSlice, Result};
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::{Context, Poll};

    use poem::http::uri::Scheme;
    use poem::listener::Acceptor;
    use poem::web::{LocalAddr, RemoteAddr};
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
    use tokio::sync::{OwnedSemaphorePermit, Semaphore};
    use tokio::time::{Sleep, sleep};

    use super::Limits;

    /// Accepts a connection only when one of a fixed number of places is free.
    pub struct Limited<A> {
        inner: A,
        places: Arc<Semaphore>,
        limits: Limits,
    }

    impl<A> Limited<A> {
        pub fn new(inner: A, limits: Limits) -> Self {
            Self { inner, places: Arc::new(Semaphore::new(limits.connections)), limits }
        }
    }

    impl<A: Acceptor> Acceptor for Limited<A> {
        type Io = Held<A::Io>;

        fn local_addr(&self) -> Vec<LocalAddr> {
            self.inner.local_addr()
        }

        async fn accept(&mut self) -> Result<(Self::Io, LocalAddr, RemoteAddr, Scheme)> {
            let place = Arc::clone(&self.places).acquire_owned().await.map_err(Error::other)?;
            let (io, local, remote, scheme) = self.inner.accept().await?;
            Ok((Held { io, limits: self.limits, waiting: None, _place: place }, local, remote, scheme))
        }
    }

    /// A connection that gives its place back when it ends.
    pub struct Held<I> {
        io: I,
        limits: Limits,
        /// Runs while the client takes nothing of what is sent to it.
        waiting: Option<Pin<Box<Sleep>>>,
        _place: OwnedSemaphorePermit,
    }

    impl<I> Held<I> {
        /// The outcome of sending something, or a failure when the client has taken nothing for too long.
        fn in_time<T>(&mut self, cx: &mut Context<'_>, sent: Poll<Result<T>>) -> Poll<Result<T>> {
            if sent.is_ready() {
                self.waiting = None;
                return sent;
            }
            let stalled = self.limits.stalled;
            let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(stalled)));
            match waiting.as_mut().poll(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(()) => Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the client takes nothing"))),
            }
        }
    }

    impl<I: AsyncRead + Unpin> AsyncRead for Held<I> {
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
            Pin::new(&mut self.io).poll_read(cx, buf)
        }
    }

    impl<I: AsyncWrite + Unpin> AsyncWrite for Held<I> {
        fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
            let sent = Pin::new(&mut self.io).poll_write(cx, buf);
            self.in_time(cx, sent)
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<Result<usize>> {
            let sent = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
            self.in_time(cx, sent)
        }

        fn is_write_vectored(&self) -> bool {
            self.io.is_write_vectored()
        }

        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
            let sent = Pin::new(&mut self.io).poll_flush(cx);
            self.in_time(cx, sent)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
            Pin::new(&mut self.io).poll_shutdown(cx)
        }
    }
}
