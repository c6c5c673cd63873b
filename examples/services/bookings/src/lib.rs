//! Books rooms by the night. Rooms and bookings are in one database, guests with their tokens in another, and the audit
//! log in a third.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;

#[derive(Clone)]
pub struct App {
    pub bookings: SqlitePool,
    pub auth: SqlitePool,
    pub audit: SqlitePool,
}

impl App {
    pub async fn connect(bookings: &str, auth: &str, audit: &str) -> sqlx::Result<App> {
        Ok(App {
            bookings: SqlitePool::connect(bookings).await?,
            auth: SqlitePool::connect(auth).await?,
            audit: SqlitePool::connect(audit).await?,
        })
    }

    pub async fn migrate(&self) -> Result<(), sqlx::migrate::MigrateError> {
        sqlx::migrate!("migrations/bookings").run(&self.bookings).await?;
        sqlx::migrate!("migrations/auth").run(&self.auth).await?;
        sqlx::migrate!("migrations/audit").run(&self.audit).await
    }

    pub fn router(self) -> Router {
        Router::new().route("/bookings", get(list).post(book)).route("/bookings/{id}", delete(cancel)).with_state(self)
    }
}

#[derive(Serialize, Deserialize, sqlx::FromRow)]
pub struct Booking {
    room_id: i64,
    night: String,
}

pub enum Refusal {
    Unknown,
    Taken,
    Missing,
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Refusal {
        match &error {
            sqlx::Error::Database(refused) if refused.is_unique_violation() => Refusal::Taken,
            _ => Refusal::Database(error),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Refusal::Unknown => StatusCode::UNAUTHORIZED.into_response(),
            Refusal::Taken => (StatusCode::CONFLICT, "the room is taken that night").into_response(),
            Refusal::Missing => StatusCode::NOT_FOUND.into_response(),
            Refusal::Database(error) => {
                eprintln!("{error}");
                StatusCode::SERVICE_UNAVAILABLE.into_response()
            }
        }
    }
}

async fn book(State(app): State<App>, headers: HeaderMap, Json(asked): Json<Booking>) -> Result<StatusCode, Refusal> {
    let guest = app.guest(&headers).await?;
    // The log first: nothing is ever booked without a line that says who asked.
    app.log(&format!("{guest} asks for room {}, {}", asked.room_id, asked.night)).await?;
    let mut transaction = app.bookings.begin().await?;
    sqlx::query("INSERT INTO booking (room_id, night, guest) VALUES (?, ?, ?)")
        .bind(asked.room_id)
        .bind(&asked.night)
        .bind(&guest)
        .execute(&mut *transaction)
        .await?;
    sqlx::query("INSERT INTO event (what) VALUES (?)")
        .bind(format!("prepare room {} for {guest}, {}", asked.room_id, asked.night))
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(StatusCode::CREATED)
}

async fn list(State(app): State<App>, headers: HeaderMap) -> Result<Json<Vec<Booking>>, Refusal> {
    let guest = app.guest(&headers).await?;
    let bookings = sqlx::query_as("SELECT room_id, night FROM booking WHERE guest = ? ORDER BY night, room_id");
    Ok(Json(bookings.bind(guest).fetch_all(&app.bookings).await?))
}

async fn cancel(State(app): State<App>, headers: HeaderMap, Path(id): Path<i64>) -> Result<StatusCode, Refusal> {
    let guest = app.guest(&headers).await?;
    app.log(&format!("{guest} cancels booking {id}")).await?;
    let cancelled = sqlx::query("DELETE FROM booking WHERE id = ? AND guest = ?");
    match cancelled.bind(id).bind(guest).execute(&app.bookings).await?.rows_affected() {
        0 => Err(Refusal::Missing),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

impl App {
    async fn guest(&self, headers: &HeaderMap) -> Result<String, Refusal> {
        let token = headers.get("authorization").and_then(|token| token.to_str().ok()).ok_or(Refusal::Unknown)?;
        let guest = sqlx::query_scalar("SELECT name FROM guest WHERE token = ?");
        guest.bind(token).fetch_optional(&self.auth).await?.ok_or(Refusal::Unknown)
    }

    async fn log(&self, what: &str) -> sqlx::Result<()> {
        sqlx::query("INSERT INTO event (what) VALUES (?)").bind(what).execute(&self.audit).await.map(drop)
    }
}
