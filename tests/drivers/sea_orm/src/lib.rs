//! An application that keeps its users in one database and its audit log in another.

use sea_orm::prelude::*;
use sea_orm::{ActiveValue::Set, QueryOrder};

pub mod user {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "user")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub username: String,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub mod log {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "log")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub event: String,
    }

    #[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

pub async fn sign_up(auth: &DatabaseConnection, name: &str) -> Result<user::Model, DbErr> {
    user::ActiveModel { username: Set(name.to_string()), ..Default::default() }.insert(auth).await
}

pub async fn audit(meta: &DatabaseConnection, event: &str) -> Result<log::Model, DbErr> {
    log::ActiveModel { event: Set(event.to_string()), ..Default::default() }.insert(meta).await
}

pub async fn users(auth: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let users = user::Entity::find().order_by_asc(user::Column::Username).all(auth).await?;
    Ok(users.into_iter().map(|user| user.username).collect())
}
