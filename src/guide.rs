//! The guide: a chapter for each thing that one does with multibind, with examples that run.
//!
//! | you want to | chapter |
//! |---|---|
//! | write the first test | [Getting started](getting_started) |
//! | say which binds there are, and what each is | [Configuration](configuration) |
//! | have the application and its tests read one file | [The application's own file](application_files) |
//! | give a bind its first rows, a state, or a copy of a database | [Data](data) |
//! | give a bind the migrations that there are, up to a version or all | [Migrations](migrations) |
//! | write rows for several binds in one file, with labels for ids | [Scenarios](scenarios) |
//! | run statements without choosing a database | [Dispatch](dispatch) |
//! | assert where a row landed | [Landings](landings) |
//! | assert on all that changed, and go back | [Changes](changes) |
//! | assert on the statements that ran, or refuse some | [Statements and guards](statements) |
//! | look into a test that failed | [Failed tests](failed_tests) |
//! | test with any row that a table takes | [Property tests](property_tests) |
//! | make a bind fail | [Faults](faults) |
//! | have a database for each tenant | [Tenants](tenants) |
//! | test an application on any driver, with any of the versions | [Drivers](drivers) |
//! | test an application that runs on PostgreSQL or MySQL | [Servers in production](servers) |
//! | run the tests in parallel, by nextest, on several machines | [Runners](runners) |
//! | find here what you know from elsewhere | [Coming from Flask-SQLAlchemy](coming_from_flask_sqlalchemy), [from Django](coming_from_django), [from Rails](coming_from_rails), [from `sqlx::test`](coming_from_sqlx_test) |
//! | look up a key, a variable or an error | [Reference](mod@reference) |
//! | know why something is as it is, or does not go | [Questions](questions) |
//!
//! There is nothing here but text: these modules exist in the documentation only. Without the feature `proptest` the
//! chapter on property tests is empty, since its examples need it.

/// Links between the chapters, and from a chapter to an item.
///
/// A chapter is a Markdown file too, which says `[Dispatch][dispatch]` and, at its end, `[dispatch]: dispatch.md`. Of two
/// definitions of one name Markdown takes the first, which here is this one, so that a link leads from file to file and
/// from page to page. `guide_links.md` has the items, which the files link to on docs.rs.
macro_rules! chapters {
    () => {
        concat!(
            "\n\
        [guide]: crate::guide\n\
        [features]: crate#features\n\
        [versions]: https://crates.io/crates/multibind#versions\n\
        [driver_table]: https://crates.io/crates/multibind#drivers\n\
        [first_line]: https://crates.io/crates/multibind#five-minutes\n\
        [getting_started]: crate::guide::getting_started\n\
        [addresses]: crate::guide::getting_started#give-the-application-its-databases\n\
        [configuration]: crate::guide::configuration\n\
        [urls]: crate::guide::configuration#urls\n\
        [storage]: crate::guide::configuration#storage\n\
        [read_only]: crate::guide::configuration#read-only-binds\n\
        [mirrors]: crate::guide::configuration#mirrors-and-replicas\n\
        [application_files]: crate::guide::application_files\n\
        [data]: crate::guide::data\n\
        [prepared]: crate::guide::data#a-state-to-start-with\n\
        [copies]: crate::guide::data#copies-of-existing-databases\n\
        [migrations]: crate::guide::migrations\n\
        [migrator]: crate::guide::migrations#the-migrator-itself\n\
        [scenarios]: crate::guide::scenarios\n\
        [dispatch]: crate::guide::dispatch\n\
        [landings]: crate::guide::landings\n\
        [changes]: crate::guide::changes\n\
        [statements]: crate::guide::statements\n\
        [outside]: crate::guide::statements#nothing-but-binds\n\
        [failed_tests]: crate::guide::failed_tests\n\
        [property_tests]: crate::guide::property_tests\n\
        [faults]: crate::guide::faults\n\
        [tenants]: crate::guide::tenants\n\
        [drivers]: crate::guide::drivers\n\
        [servers]: crate::guide::servers\n\
        [runners]: crate::guide::runners\n\
        [coming_from_flask_sqlalchemy]: crate::guide::coming_from_flask_sqlalchemy\n\
        [coming_from_django]: crate::guide::coming_from_django\n\
        [coming_from_rails]: crate::guide::coming_from_rails\n\
        [coming_from_sqlx_test]: crate::guide::coming_from_sqlx_test\n\
        [questions]: crate::guide::questions\n\
        [reference]: crate::guide::reference\n\
        \n",
            include_str!("guide_links.md"),
            "\n"
        )
    };
}

#[doc = chapters!()]
#[doc = include_str!("../docs/getting_started.md")]
pub mod getting_started {}

#[doc = chapters!()]
#[doc = include_str!("../docs/configuration.md")]
pub mod configuration {}

#[doc = chapters!()]
#[doc = include_str!("../docs/application_files.md")]
pub mod application_files {}

#[doc = chapters!()]
#[doc = include_str!("../docs/data.md")]
pub mod data {}

#[doc = chapters!()]
#[doc = include_str!("../docs/migrations.md")]
pub mod migrations {}

#[doc = chapters!()]
#[doc = include_str!("../docs/scenarios.md")]
pub mod scenarios {}

#[doc = chapters!()]
#[doc = include_str!("../docs/dispatch.md")]
pub mod dispatch {}

#[doc = chapters!()]
#[doc = include_str!("../docs/landings.md")]
pub mod landings {}

#[doc = chapters!()]
#[doc = include_str!("../docs/changes.md")]
pub mod changes {}

#[doc = chapters!()]
#[doc = include_str!("../docs/statements.md")]
pub mod statements {}

#[doc = chapters!()]
#[doc = include_str!("../docs/failed_tests.md")]
pub mod failed_tests {}

#[doc = chapters!()]
#[cfg_attr(feature = "proptest", doc = include_str!("../docs/property_tests.md"))]
pub mod property_tests {}

#[doc = chapters!()]
#[doc = include_str!("../docs/faults.md")]
pub mod faults {}

#[doc = chapters!()]
#[doc = include_str!("../docs/tenants.md")]
pub mod tenants {}

#[doc = chapters!()]
#[doc = include_str!("../docs/drivers.md")]
pub mod drivers {}

#[doc = chapters!()]
#[doc = include_str!("../docs/servers.md")]
pub mod servers {}

#[doc = chapters!()]
#[doc = include_str!("../docs/runners.md")]
pub mod runners {}

#[doc = chapters!()]
#[doc = include_str!("../docs/coming_from_flask_sqlalchemy.md")]
pub mod coming_from_flask_sqlalchemy {}

#[doc = chapters!()]
#[doc = include_str!("../docs/coming_from_django.md")]
pub mod coming_from_django {}

#[doc = chapters!()]
#[doc = include_str!("../docs/coming_from_rails.md")]
pub mod coming_from_rails {}

#[doc = chapters!()]
#[doc = include_str!("../docs/coming_from_sqlx_test.md")]
pub mod coming_from_sqlx_test {}

#[doc = chapters!()]
#[doc = include_str!("../docs/questions.md")]
pub mod questions {}

#[doc = chapters!()]
#[doc = include_str!("../docs/reference.md")]
pub mod reference {}
