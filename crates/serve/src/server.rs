//! The server: a socket, from its opening to a shutdown that leaves nobody without an answer or a word.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::capture::Capture;
use crate::endpoints;
use crate::engine::Engine;
use crate::host::Host;
use crate::host::Limits;
use crate::host::Served;

/// How long the last words of a shutdown may take to be sent.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A server that is bound and does not answer yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    host: Arc<Host>,
    dead: oneshot::Receiver<()>,
}

/// Why there is no server, or none any more.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Somebody else is there, or nobody may be.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// Where.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The folder for episodes cannot be made.
    #[error("cannot record into {folder}: {source}")]
    Capture {
        /// Which.
        folder: String,
        /// Why.
        source: io::Error,
    },
    /// There is no thread for the model.
    #[error("cannot start the model's thread: {0}")]
    Thread(io::Error),
    /// The policy panicked.
    #[error("the model has died")]
    Dead,
    /// The socket broke.
    #[error("the server's socket broke: {0}")]
    Socket(io::Error),
}

impl Server {
    /// Listens at `address` (`127.0.0.1:8000`; port 0 is any) for a model, and records episodes into `capture`.
    ///
    /// # Errors
    /// [`ServeError`].
    pub async fn bind(
        served: Served,
        address: &str,
        limits: Limits,
        capture: Option<&Path>,
    ) -> Result<Server, ServeError> {
        let refused = |source| ServeError::Listen { address: address.to_owned(), source };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let bound = listener.local_addr().map_err(refused)?;
        let capture = capture
            .map(|folder| {
                Capture::into(folder)
                    .map_err(|source| ServeError::Capture { folder: folder.display().to_string(), source })
            })
            .transpose()?;
        let Served { name, adapters, policy, dialect, context } = served;
        let (engine, dead) = Engine::start(policy).map_err(ServeError::Thread)?;
        let host = Arc::new(Host::new((name, adapters), (dialect, context), engine, limits, capture));
        Ok(Server { listener, address: bound, host, dead })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The model at work: e.g. to take its weights away and bring them back.
    #[must_use]
    pub fn host(&self) -> Arc<Host> {
        Arc::clone(&self.host)
    }

    /// Answers until `stop`: then new requests get 503, those on their way are finished, at most for as long as the limits say or until
    /// `hurry`, and what is left gets 503 too.
    ///
    /// # Errors
    /// [`ServeError::Dead`], [`ServeError::Socket`].
    pub async fn run(self, stop: impl Future<Output = ()>, hurry: impl Future<Output = ()>) -> Result<(), ServeError> {
        let Server { listener, host, dead, .. } = self;
        let (close, closed) = oneshot::channel::<()>();
        let router = endpoints::router(Arc::clone(&host));
        let serving = axum::serve(listener, router).with_graceful_shutdown(async move { drop(closed.await) });
        let mut serving = tokio::spawn(serving.into_future());
        let end = tokio::select! {
            () = stop => Ok(()),
            // The thread ends with the last handle on it, and one is here.
            _ = dead => Err(ServeError::Dead),
            ended = &mut serving => match ended {
                Ok(Err(error)) => Err(ServeError::Socket(error)),
                Ok(Ok(())) | Err(_) => Err(ServeError::Socket(io::Error::other("it ended by itself"))),
            },
        };
        host.engine.stop();
        tokio::select! {
            _ = timeout(host.limits.grace, host.idle()) => {}
            () = hurry => {}
        }
        host.engine.abort();
        drop(close);
        if !serving.is_finished() && timeout(LAST_WORDS, &mut serving).await.is_err() {
            serving.abort();
        }
        if let Some(capture) = &host.capture {
            capture.flush().await;
        }
        end
    }
}
