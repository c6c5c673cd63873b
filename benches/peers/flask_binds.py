"""Sets up three binds of ten tables and one row on Flask-SQLAlchemy, as its users' fixtures do for every test."""

import importlib.metadata
import statistics
import sys
import time

import flask
import flask_sqlalchemy
import sqlalchemy as sa

KEYS = ["b0", "b1", "b2"]

db = flask_sqlalchemy.SQLAlchemy()


def model(key, at):
    """Defines the table that the other peers create by SQL."""
    name = f"{key}_t{at}"
    columns = {
        "__tablename__": name,
        "__bind_key__": key,
        "__table_args__": (sa.Index(f"{key}_i{at}", "size"),),
        "id": sa.Column(sa.Integer, primary_key=True),
        "name": sa.Column(sa.Text, nullable=False, unique=True),
        "size": sa.Column(sa.Integer),
        "share": sa.Column(sa.Float),
        "note": sa.Column(sa.Text),
    }
    return type(name, (db.Model,), columns)


models = {(key, at): model(key, at) for key in KEYS for at in range(10)}


def one_test():
    app = flask.Flask(__name__)
    app.config["SQLALCHEMY_BINDS"] = {key: "sqlite://" for key in KEYS}
    db.init_app(app)
    with app.app_context():
        db.create_all(KEYS)
        db.session.add(models["b1", 0](name="first", size=1))
        db.session.commit()
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


def main(rounds):
    samples = []
    for _ in range(5):
        one_test()
    for _ in range(rounds):
        begin = time.perf_counter()
        one_test()
        samples.append((time.perf_counter() - begin) * 1000)
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("Flask-SQLAlchemy", "SQLAlchemy")]
    print(f"{', '.join(versions)}: `create_all`, in memory\t{statistics.median(samples)}\t{rounds}")


main(int(sys.argv[1]))
