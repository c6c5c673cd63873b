//! SQLite without binds: values and names, scripts, images, file systems, and every call that SQLite's C interface
//! needs.

mod attach;
mod authorizer;
mod backup;
mod beside;
mod bytes;
pub(crate) mod callback;
mod carry;
pub(crate) mod code;
mod collations;
pub(crate) mod copy;
mod counters;
mod fleeting;
pub(crate) mod hold;
pub(crate) mod image;
mod library;
mod named;
pub(crate) mod objects;
pub(crate) mod on_connect;
mod original;
mod outline;
mod packed;
mod pages;
pub(crate) mod platform;
pub(crate) mod private;
mod private_copy;
mod probe;
mod progress;
pub(crate) mod script;
mod slots;
pub(crate) mod store;
mod transaction;
mod values;
pub(crate) mod vfs;

pub(crate) use attach::attach;
pub(crate) use authorizer::{Authorized, Question};
pub(crate) use backup::{copy as back_up, Step};
pub(crate) use collations::{collation_of, has_collation, stand_in_for_collations};
pub(crate) use counters::{commits, schema_version, set_last_insert_rowid, unresolved_foreign_keys};
pub(crate) use fleeting::{asked as asked_for_fleeting, counts, has_noticed, notice_counts};
pub(crate) use fleeting::{open as open_noticing, ran, watch as noticing};
pub(crate) use image::{copy_pages, Image};
pub(crate) use library::{check as check_library, library, seed};
pub(crate) use named::NamedConnection;
pub(crate) use on_connect::OnConnect;
pub(crate) use original::{Digest, Original};
pub(crate) use packed::FileBytes;
pub(crate) use private_copy::{attach_copy, open_copy};
pub(crate) use probe::{is_locked_by_log_writer, is_locked_by_writer, is_locked_out, SCHEMA};
pub(crate) use progress::Stoppable;
#[cfg(feature = "r2d2_sqlite")]
pub(crate) use slots::find_on as find_slots_on;
pub(crate) use slots::Slot;
pub(crate) use transaction::TransactionState;
pub(crate) use values::{column_names, number, texts};
