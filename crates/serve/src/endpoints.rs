//! Paths and what is done at them.

use std::convert::Infallible;
use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::extract::Path;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::Uri;
use axum::response::IntoResponse;
use axum::response::Response;
use axum::response::sse::Event;
use axum::response::sse::KeepAlive;
use axum::response::sse::Sse;
use axum::routing::delete;
use axum::routing::get;
use axum::routing::post;
use futures_util::StreamExt;
use futures_util::stream;
use serde_json::Value;
use serde_json::json;

use crate::Problem;
use crate::capture::Recording;
use crate::choice::Choice;
use crate::hearing::Hearing;
use crate::host::Host;
use crate::reply;
use crate::reply::Form;
use crate::reply::Reply;
use crate::request::ChatRequest;
use crate::request::Manner;
use crate::request::Prompt;
use crate::request::TextRequest;
use crate::writer::Reading;

type Shared = State<Arc<Host>>;
type Body = Result<Bytes, BytesRejection>;

/// All paths.
pub fn router(host: Arc<Host>) -> Router {
    let body = DefaultBodyLimit::max(host.limits.body_bytes_max);
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .route("/v1/completions", post(text))
        .route("/v1/models", get(models))
        .route("/v1/models/{name}", get(model))
        .route("/health", get(health))
        .route("/episodes/{episode}", delete(close))
        .route("/episodes/{episode}/v1/chat/completions", post(captured))
        .route("/episodes/{episode}/v1/models", get(models))
        .fallback(nowhere)
        .method_not_allowed_fallback(otherwise)
        .layer(body)
        .with_state(host)
}

async fn chat(State(host): Shared, body: Body) -> Result<Response, Problem> {
    let (request, adapter) = chat_request(&host, body)?;
    let speech = host.speech_of(adapter);
    let mut stream = speech.silence(request.setting.thinks);
    speech.show(&mut stream, &request.turns, &request.setting.tools);
    let (number, name) = host.number();
    let prompts = vec![stream.context().into_owned()];
    let choices = host.admit((number, &name), adapter, ("messages", &prompts), &request.manner, reading(&request))?;
    let reply = reply(&host, (Form::Chat, &request.model), format!("chatcmpl-{name}"), prompts, &request.manner);
    answer(reply, choices, None, &request.manner).await
}

async fn captured(State(host): Shared, Path(episode): Path<String>, body: Body) -> Result<Response, Problem> {
    let capture = host.capture.as_ref().ok_or_else(no_capture)?;
    let (request, adapter) = chat_request(&host, body)?;
    let (number, name) = host.number();
    let id = format!("chatcmpl-{name}");
    let recording = capture.begin(&episode, id.clone(), host.speech_of(adapter), &request)?;
    let prompts = vec![recording.prompt().to_vec()];
    match host.admit((number, &name), adapter, ("messages", &prompts), &request.manner, reading(&request)) {
        Ok(choices) => {
            let reply = reply(&host, (Form::Chat, &request.model), id, prompts, &request.manner);
            answer(reply, choices, Some(recording), &request.manner).await
        }
        Err(problem) => {
            recording.discard();
            Err(problem)
        }
    }
}

async fn text(State(host): Shared, body: Body) -> Result<Response, Problem> {
    host.check_standing()?;
    let request = TextRequest::read(&bytes(body)?, &host.limits)?;
    let adapter = host.adapter(&request.model)?;
    let (number, name) = host.number();
    let ids = |prompt: &Prompt| match prompt {
        Prompt::Text(text) => host.speech.encode(text),
        Prompt::Tokens(ids) => ids.clone(),
    };
    let prompts: Vec<Vec<u32>> = request.prompts.iter().map(ids).collect();
    let choices = host.admit((number, &name), adapter, ("prompt", &prompts), &request.manner, Reading::Plain)?;
    let reply = reply(&host, (Form::Text, &request.model), format!("cmpl-{name}"), prompts, &request.manner);
    answer(reply, choices, None, &request.manner).await
}

async fn models(State(host): Shared) -> Json<Value> {
    Json(json!({ "object": "list", "data": host.models() }))
}

async fn model(State(host): Shared, Path(name): Path<String>) -> Result<Json<Value>, Problem> {
    host.adapter(&name)?;
    Ok(Json(host.model(&name)))
}

async fn health(State(host): Shared) -> Response {
    let status = if host.check_standing().is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(host.health())).into_response()
}

async fn close(State(host): Shared, Path(episode): Path<String>) -> Result<Json<Value>, Problem> {
    let capture = host.capture.as_ref().ok_or_else(no_capture)?;
    if capture.close(&episode) {
        return Ok(Json(json!({ "id": episode, "closed": true })));
    }
    Err(Problem::of(StatusCode::NOT_FOUND, format!("there is no episode `{episode}` that could be continued")))
}

async fn nowhere(uri: Uri) -> Problem {
    Problem::of(StatusCode::NOT_FOUND, format!("there is nothing at {}", uri.path()))
}

async fn otherwise(method: Method, uri: Uri) -> Problem {
    Problem::of(StatusCode::METHOD_NOT_ALLOWED, format!("{} does not take {method}", uri.path()))
}

fn no_capture() -> Problem {
    Problem::of(StatusCode::NOT_FOUND, "this server records no episodes: it was started without --capture")
}

/// A chat, and the number of the adapter that it asks.
fn chat_request(host: &Host, body: Body) -> Result<(ChatRequest, Option<u32>), Problem> {
    host.check_standing()?;
    let mut request = ChatRequest::read(&bytes(body)?, &host.limits)?;
    let adapter = host.adapter(&request.model)?;
    request.setting.strips = host.speech_of(adapter).strips();
    if request.setting.thinks && !host.speech.knows_thinking() {
        let what = "this model's template does not know `enable_thinking`";
        return Err(Problem::invalid("chat_template_kwargs", what).coded("unsupported_parameter"));
    }
    Ok((request, adapter))
}

fn bytes(body: Body) -> Result<Bytes, Problem> {
    body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::of(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"),
        status => Problem::of(status, "the body did not come whole"),
    })
}

/// Calls are read where functions are offered.
fn reading(request: &ChatRequest) -> Reading {
    if request.setting.tools.is_empty() { Reading::Talk } else { Reading::Calls }
}

fn reply(host: &Host, (form, model): (Form, &str), id: String, prompts: Vec<Vec<u32>>, manner: &Manner) -> Reply {
    Reply {
        form,
        id,
        model: model.to_owned(),
        created: reply::now(),
        prompts,
        logprobs: manner.logprobs,
        token_ids: manner.token_ids,
        speech: host.speech.clone(),
    }
}

/// Whole, or in pieces.
async fn answer(
    reply: Reply,
    choices: Vec<Choice>,
    recording: Option<Recording>,
    manner: &Manner,
) -> Result<Response, Problem> {
    let count = choices.len() as u32;
    let hearing = Hearing::new(choices, recording);
    if !manner.stream {
        return Ok(Json(reply.whole(&hearing.all().await?)).into_response());
    }
    let openings: Vec<Value> = (0..count).filter_map(|index| reply.opening(index)).collect();
    let telling = Telling { reply, hearing, usage: manner.usage, next: Next::News };
    let news = stream::unfold(telling, |mut telling| async move { telling.next().await.map(|event| (event, telling)) });
    let openings = stream::iter(openings).map(|value| event(&value));
    Ok(Sse::new(openings.chain(news).map(Ok::<Event, Infallible>)).keep_alive(KeepAlive::default()).into_response())
}

/// A reply that is sent in pieces.
struct Telling {
    reply: Reply,
    hearing: Hearing,
    usage: bool,
    next: Next,
}

/// What is sent next.
enum Next {
    News,
    Done,
    Nothing,
}

impl Telling {
    async fn next(&mut self) -> Option<Event> {
        loop {
            match self.next {
                Next::News => match self.hearing.next().await {
                    Ok(Some(delta)) => {
                        if let Some(news) = self.reply.news(&delta) {
                            return Some(event(&news));
                        }
                    }
                    Ok(None) => {
                        self.next = Next::Done;
                        if self.usage {
                            return Some(event(&self.reply.count(self.hearing.tokens(), self.hearing.version())));
                        }
                    }
                    // The status is out already: what went wrong comes as the last piece, and no [DONE] behind it.
                    Err(problem) => {
                        self.next = Next::Nothing;
                        return Some(event(&problem.body()));
                    }
                },
                Next::Done => {
                    self.next = Next::Nothing;
                    return Some(Event::default().data("[DONE]"));
                }
                Next::Nothing => return None,
            }
        }
    }
}

fn event(value: &Value) -> Event {
    Event::default().data(value.to_string())
}
