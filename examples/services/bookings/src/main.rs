use bookings::App;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let url = |name: &str| std::env::var(name).map_err(|error| format!("{name}: {error}"));
    let app = App::connect(&url("BOOKINGS_URL")?, &url("AUTH_URL")?, &url("AUDIT_URL")?).await?;
    app.migrate().await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
    Ok(axum::serve(listener, app.router()).await?)
}
