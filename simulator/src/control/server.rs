//! The HTTP server: reads a request whole, dispatches it, and can cut the connection instead of answering.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, State};
use axum::serve::{IncomingStream, Listener};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, StatusCode};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use super::dispatch::{Outcome, dispatch};
use super::provider::Provider;
use super::routes;

/// The largest request body read; a Google batch of 1,000 parts fits.
const BODY_LIMIT: usize = 16 * 1024 * 1024;

/// Serves a provider and its control API until the process ends.
pub async fn serve<P: Provider>(provider: Arc<P>, listener: TcpListener) -> io::Result<()> {
    let control = routes::router(&provider).merge(provider.control_routes());
    let app = Router::new().fallback(answer::<P>).with_state(provider).merge(control);
    axum::serve(CuttableListener(listener), app.into_make_service_with_connect_info::<Scissors>()).await
}

async fn answer<P: Provider>(
    State(provider): State<Arc<P>>,
    ConnectInfo(scissors): ConnectInfo<Scissors>,
    request: http::Request<Body>,
) -> http::Response<Body> {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_LIMIT).await else {
        let mut response = http::Response::new(Body::from("Request body too large"));
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        return response;
    };
    match dispatch(provider, http::Request::from_parts(head, body)).await {
        Outcome::Answer(response) => response.map(Body::from),
        Outcome::Cut => {
            scissors.cut();
            http::Response::new(Body::empty())
        }
        Outcome::CutBody(response) => half_of(response),
    }
}

/// The answer's head and the first half of its body; the error after it makes the server drop the connection.
fn half_of(response: http::Response<Bytes>) -> http::Response<Body> {
    let (mut head, body) = response.into_parts();
    head.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let first_half = body.slice(..body.len() / 2);
    // The pause lets the first half leave the machine before the connection goes.
    let rest = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    };
    let body = futures_util::stream::iter([Ok(first_half)]);
    let body = futures_util::StreamExt::chain(body, futures_util::stream::once(rest));
    http::Response::from_parts(head, Body::from_stream(body))
}

/// Cuts the connection it belongs to.
#[derive(Clone, Debug, Default)]
pub struct Scissors(Arc<AtomicBool>);

impl Scissors {
    /// From now on every write fails, so nothing of the answer leaves and the server drops the connection.
    fn cut(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for Scissors {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.io().scissors.clone()
    }
}

struct CuttableListener(TcpListener);

impl Listener for CuttableListener {
    type Io = CuttableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.0.accept().await {
                Ok((stream, address)) => {
                    // Answers are small and tests are many: never wait to fill a segment.
                    let _ = stream.set_nodelay(true);
                    return (CuttableStream { stream, scissors: Scissors::default() }, address);
                }
                // Out of file descriptors, most likely: others will close soon.
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A connection that can be cut.
struct CuttableStream {
    stream: TcpStream,
    scissors: Scissors,
}

impl CuttableStream {
    fn refuse(&self) -> Option<io::Error> {
        self.scissors.0.load(Ordering::SeqCst).then(|| io::ErrorKind::ConnectionAborted.into())
    }
}

impl AsyncRead for CuttableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.refuse() {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut self.stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.refuse() {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut self.stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::Control;
    use super::super::faults::ScriptedAnswer;
    use super::super::provider::{Call, Request, Response};
    use super::*;

    #[derive(Default)]
    struct Echo {
        control: Control,
        effects: AtomicU64,
    }

    impl Provider for Echo {
        fn control(&self) -> &Control {
            &self.control
        }

        fn identify(&self, _request: &Request) -> Call {
            Call { route: "echo", ..Call::default() }
        }

        async fn answer(self: &Arc<Self>, _call: Call, _request: Request) -> Outcome {
            self.effects.fetch_add(1, Ordering::SeqCst);
            Outcome::Answer(http::Response::new(Bytes::from_static(b"0123456789")))
        }

        fn scripted_error(&self, _call: &Call, _answer: &ScriptedAnswer) -> Response {
            http::Response::new(Bytes::from_static(b"scripted"))
        }

        fn control_routes(self: &Arc<Self>) -> Router {
            Router::new()
        }
    }

    /// What comes back for one request under a fault, and how many requests took effect.
    async fn exchange(fault: serde_json::Value) -> (String, u64) {
        let echo = Arc::new(Echo::default());
        let rule = serde_json::json!({"route": "echo", "fault": fault});
        echo.control.faults().add(serde_json::from_value(rule).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve(Arc::clone(&echo), listener));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let _ = tokio::time::timeout(Duration::from_millis(300), read).await;
        server.abort();
        (String::from_utf8(answer).unwrap(), echo.effects.load(Ordering::SeqCst))
    }

    #[tokio::test]
    async fn each_fault_does_what_its_name_says() {
        assert_eq!(exchange("cut".into()).await, (String::new(), 0));
        assert_eq!(exchange("cut_after".into()).await, (String::new(), 1));
        assert_eq!(exchange("hang".into()).await, (String::new(), 0));
        assert_eq!(exchange("hang_after".into()).await, (String::new(), 1));

        let (answer, effects) = exchange("cut_body".into()).await;
        assert!(answer.contains("content-length: 10") && answer.ends_with("\r\n01234"), "{answer}");
        assert_eq!(effects, 1);

        let (answer, effects) = exchange(serde_json::json!({"status": 429, "retryAfter": 7})).await;
        assert!(answer.starts_with("HTTP/1.1 429 ") && answer.contains("retry-after: 7\r\n"), "{answer}");
        assert_eq!(effects, 0);

        let (answer, effects) = exchange(serde_json::json!({"status": 503, "after": true})).await;
        assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
        assert_eq!(effects, 1);

        let (answer, effects) = exchange(serde_json::json!({"delay_ms": 20})).await;
        assert!(answer.ends_with("0123456789"), "{answer}");
        assert_eq!(effects, 1);
    }
}
