//! The tables, a module for each database.

pub mod catalogue {
    diesel::table! {
        book (id) {
            id -> Integer,
            title -> Text,
            copies -> Integer,
        }
    }
    diesel::table! {
        loan (id) {
            id -> Integer,
            book_id -> Integer,
            member -> Text,
        }
    }
    diesel::table! {
        history (id) {
            id -> Integer,
            line -> Text,
        }
    }
}

pub mod members {
    diesel::table! {
        member (name) {
            name -> Text,
            is_blocked -> Bool,
        }
    }
    diesel::table! {
        history (id) {
            id -> Integer,
            line -> Text,
        }
    }
}
