use lending::Library;

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [book, member] = arguments.as_slice() else { return Err("usage: lending BOOK MEMBER".into()) };
    let mut library = Library::open("catalogue.db", "members.db")?;
    library.migrate()?;
    library.lend(book.parse()?, member).map_err(|refusal| format!("{refusal:?}").into())
}
