"""What the shop keeps, and what its receivers write down."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class Record(Model):
    id = fields.IntField(primary_key=True)

    class Meta(Model.Meta):
        abstract = True


class User(Record):
    email = fields.CharField(max_length=200, unique=True)
    name = fields.CharField(max_length=200)
    password_hash = fields.CharField(max_length=200)
    last_login = fields.DatetimeField(null=True)


class Session(Record):
    token = fields.CharField(max_length=64, unique=True)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("models.User")


class Tag(Record):
    name = fields.CharField(max_length=50, unique=True)


class Product(Record):
    name = fields.CharField(max_length=200)
    price_cents = fields.IntField()
    stock = fields.IntField()
    tags: fields.ManyToManyRelation[Tag] = fields.ManyToManyField(
        "models.Tag", related_name="products"
    )


class Order(Record):
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("models.User")
    product: fields.ForeignKeyRelation[Product] = fields.ForeignKeyField("models.Product")
    quantity = fields.IntField()
    total_cents = fields.IntField()


class AuditEntry(Record):
    """Who changed what is written here by receivers alone."""

    at = fields.DatetimeField(auto_now_add=True)
    action = fields.CharField(max_length=20)
    model = fields.CharField(max_length=50)
    object_id = fields.IntField(null=True)
    details = fields.CharField(max_length=500, default="")


class OutboxMessage(Record):
    """An e-mail that waits to be sent."""

    at = fields.DatetimeField(auto_now_add=True)
    recipient = fields.CharField(max_length=200)
    subject = fields.CharField(max_length=200)


class FailedLogin(Record):
    at = fields.DatetimeField(auto_now_add=True)
    address = fields.CharField(max_length=100)
    credentials = fields.JSONField[dict[str, str]]()
