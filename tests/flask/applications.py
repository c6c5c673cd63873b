"""The applications whose binds are compared: models and tables as users of Flask-SQLAlchemy write them.

Each function gives what operations can name: a model or a table, under the name that SQL has for it.
"""

import sqlalchemy as sa


def blog(db):
    class Post(db.Model):
        id = sa.Column(sa.Integer, primary_key=True)
        title = sa.Column(sa.String(80), nullable=False)
        author = sa.Column(sa.String(40))
        score = sa.Column(sa.Float)

    class Tag(db.Model):
        id = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(sa.String(40), unique=True)

    # An association table without a bind key belongs to the default bind.
    post_tag = db.Table(
        "post_tag",
        sa.Column("post_id", sa.Integer, sa.ForeignKey("post.id"), primary_key=True),
        sa.Column("tag_id", sa.Integer, sa.ForeignKey("tag.id"), primary_key=True),
    )

    class Log(db.Model):
        id = sa.Column(sa.Integer, primary_key=True)
        event = sa.Column(sa.Text, nullable=False)

    class User(db.Model):
        __bind_key__ = "auth"
        id = sa.Column(sa.Integer, primary_key=True)
        username = sa.Column(sa.String(40), nullable=False, unique=True)
        email = sa.Column(sa.String(80), index=True)

    # What inherits from a model shares its bind key.
    class Account(db.Model):
        __abstract__ = True
        __bind_key__ = "auth"

    class Role(Account):
        name = sa.Column(sa.String(40), primary_key=True)
        rank = sa.Column(sa.Integer)

    user_role = db.Table(
        "user_role",
        sa.Column("user_id", sa.Integer, sa.ForeignKey("user.id"), nullable=False),
        sa.Column("role", sa.String(40), sa.ForeignKey("role.name")),
        bind_key="auth",
    )

    class Setting(db.Model):
        __bind_key__ = "meta"
        name = sa.Column(sa.Text, primary_key=True)
        value = sa.Column(sa.Text)

    class MetaLog(db.Model):
        __tablename__ = "log"
        __bind_key__ = "meta"
        id = sa.Column(sa.Integer, primary_key=True)
        event = sa.Column(sa.Text)
        post_id = sa.Column(sa.Integer)

    return {
        "post": Post,
        "tag": Tag,
        "post_tag": post_tag,
        "main.log": Log,
        "user": User,
        "role": Role,
        "user_role": user_role,
        "setting": Setting,
        "meta.log": MetaLog,
    }


def colours(db):
    class Test1(db.Model):
        id = sa.Column(sa.Integer, primary_key=True)
        color = sa.Column(sa.String(64))

    class Test2(db.Model):
        __bind_key__ = "second_db"
        id = sa.Column(sa.Integer, primary_key=True)
        color = sa.Column(sa.String(64))

    class Test3(db.Model):
        __bind_key__ = "memory_db"
        id = sa.Column(sa.Integer, primary_key=True)
        color = sa.Column(sa.String(64))

    return {"test1": Test1, "test2": Test2, "test3": Test3}


def shop(db):
    class User(db.Model):
        __tablename__ = "tb_user"
        __bind_key__ = "test2"
        id = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(sa.String)

    class Store(db.Model):
        __tablename__ = "tb_store"
        __bind_key__ = "test1"
        id = sa.Column(sa.Integer, primary_key=True)
        name = sa.Column(sa.Integer, primary_key=True)

    class Sale(db.Model):
        __tablename__ = "tb_sale"
        id = sa.Column(sa.Integer, primary_key=True)
        store = sa.Column(sa.Integer)

    return {"tb_user": User, "tb_store": Store, "tb_sale": Sale}


def named_only(db):
    class Entry(db.Model):
        __bind_key__ = "audit"
        id = sa.Column(sa.Integer, primary_key=True)
        line = sa.Column(sa.Text)

    class Job(db.Model):
        __bind_key__ = "queue"
        id = sa.Column(sa.Integer, primary_key=True)
        line = sa.Column(sa.Text, unique=True)

    return {"entry": Entry, "job": Job}
