"""Runs operations on Flask-SQLAlchemy: for each scenario of a file a new application, from a configuration's text.

    run.py WORK    reads WORK/scenarios.json, writes WORK/outcomes.json, and WORK/SCENARIO/CHECKPOINT/BIND.db

A bind is known by its place in the scenario's list of them.
"""

import json
import pathlib
import sqlite3
import sys
import warnings

try:
    import tomllib
except ModuleNotFoundError:
    import tomli as tomllib

import flask
import flask_sqlalchemy
import sqlalchemy as sa

import applications


@sa.event.listens_for(sa.engine.Engine, "connect")
def hurry(connection, _):
    # The files are thrown away; nothing needs to be on the disk.
    connection.execute("PRAGMA synchronous = OFF")


class Run:
    def __init__(self, scenario, folder):
        config = folder / "config.toml"
        config.write_text(scenario["config"], encoding="utf-8")
        self.app = flask.Flask("differential", instance_path=str(folder))
        self.app.config.from_file(str(config), load=tomllib.load, text=False)
        self.db = flask_sqlalchemy.SQLAlchemy(self.app)
        self.targets = getattr(applications, scenario["application"])(self.db)
        self.binds = scenario["binds"]
        self.folder = folder
        self.checkpoints = 0

    def columns(self, name):
        target = self.targets[name]
        return (target if isinstance(target, sa.Table) else target.__table__).c

    def where(self, name, row):
        columns = self.columns(name)
        # SQLAlchemy makes `IS NULL` of a comparison with `None`.
        return [columns[column] == value for column, value in row.items()]

    def models(self, name, row):
        model = self.targets[name]
        return self.db.session.scalars(sa.select(model).where(*self.where(name, row))).all()

    # Operations, by their names.

    def create_all(self, binds):
        self.db.create_all(**({} if binds is None else {"bind_key": binds}))

    def drop_all(self, binds):
        self.db.drop_all(**({} if binds is None else {"bind_key": binds}))

    def add(self, table, row):
        self.db.session.add(self.targets[table](**row))
        self.db.session.flush()

    def insert(self, table, row):
        self.db.session.execute(sa.insert(self.targets[table]).values(**row))

    def update(self, table, where, set):
        statement = sa.update(self.targets[table]).where(*self.where(table, where)).values(**set)
        return self.db.session.execute(statement, execution_options={"synchronize_session": False}).rowcount

    def delete(self, table, where):
        statement = sa.delete(self.targets[table]).where(*self.where(table, where))
        return self.db.session.execute(statement, execution_options={"synchronize_session": False}).rowcount

    def change(self, table, where, set):
        models = self.models(table, where)
        for model in models:
            for column, value in set.items():
                setattr(model, column, value)
        self.db.session.flush()
        return len(models)

    def remove(self, table, where):
        models = self.models(table, where)
        for model in models:
            self.db.session.delete(model)
        self.db.session.flush()
        return len(models)

    def attributes(self, name):
        target = self.targets[name]
        if isinstance(target, sa.Table):
            return list(target.c)
        return [getattr(target, column.name) for column in self.columns(name)]

    def rows(self, statement, first):
        # Flask-SQLAlchemy finds the bind of a SELECT by its first model, and sends one that begins with a table to the
        # default bind, whatever the table's bind key is; so it is told.
        told = {}
        if isinstance(self.targets[first], sa.Table):
            key = self.targets[first].metadata.info["bind_key"]
            told["bind"] = self.db.engines[key]
        return [list(row) for row in self.db.session.execute(statement, bind_arguments=told)]

    def select(self, table, where):
        columns = self.attributes(table)
        return self.rows(sa.select(*columns).where(*self.where(table, where)).order_by(*columns), table)

    def join(self, left, right, on):
        columns = [*self.attributes(left), *self.attributes(right)]
        equal = self.columns(left)[on[0]] == self.columns(right)[on[1]]
        joined = sa.select(*columns).join_from(self.targets[left], self.targets[right], equal)
        return self.rows(joined.order_by(*columns), left)

    def commit(self):
        self.db.session.commit()

    def rollback(self):
        self.db.session.rollback()

    def checkpoint(self):
        folder = self.folder / str(self.checkpoints)
        folder.mkdir()
        for place, key in enumerate(self.binds):
            source = self.db.engines[key].raw_connection()
            copy = sqlite3.connect(folder / f"{place}.db")
            source.driver_connection.backup(copy)
            copy.close()
            source.close()
        self.checkpoints += 1

    def outcome(self, operation):
        name, arguments = operation["op"], {key: value for key, value in operation.items() if key != "op"}
        # Each operation finds what is in the database, not what an earlier one left in the session.
        self.db.session.expunge_all()
        try:
            return {"gives": getattr(self, name)(**arguments)}
        except sa.exc.SQLAlchemyError as error:
            self.db.session.rollback()
            return {"fails": str(error)}

    def outcomes(self, operations):
        with self.app.app_context():
            try:
                keys = sorted(self.db.engines, key=lambda key: key or "")
                return {"binds": keys, "outcomes": [self.outcome(operation) for operation in operations]}
            finally:
                self.db.session.remove()
                for engine in self.db.engines.values():
                    engine.dispose()


def main(work):
    warnings.simplefilter("ignore")
    scenarios = json.loads((work / "scenarios.json").read_text(encoding="utf-8"))
    outcomes = []
    for place, scenario in enumerate(scenarios):
        folder = work / str(place)
        folder.mkdir()
        outcomes.append(Run(scenario, folder).outcomes(scenario["operations"]))
    (work / "outcomes.json").write_text(json.dumps(outcomes), encoding="utf-8")


main(pathlib.Path(sys.argv[1]))
