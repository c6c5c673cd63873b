//! How long a sign-up takes, each time from the rows of the configuration on.

use criterion::{criterion_group, criterion_main, BatchSize, Criterion};
use multibind::{row, Harness};

fn sign_up(criterion: &mut Criterion) {
    let db = Harness::from_file("fixtures/binds.toml").unwrap();
    let auth = db.pool("auth").unwrap();
    criterion.bench_function("sign_up", |bencher| {
        let reset = || db.reset().unwrap();
        bencher.iter_batched(reset, |()| my_app::sign_up(&auth.get().unwrap(), "ann"), BatchSize::PerIteration);
        // In here, for a runner that only asks which benchmarks there are runs what is around it too.
        db.assert_landed("auth", "user", row! { id: 1, username: "ann" });
        db.assert_not_landed("auth", "user", row! { id: 2 });
    });
}

criterion_group!(benches, sign_up);
criterion_main!(benches);
