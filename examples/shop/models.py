"""What the shop keeps, and what its receivers write down."""

from __future__ import annotations

from tortoise import fields
from tortoise.models import Model


class User(Model):
    id = fields.IntField(primary_key=True)
    email = fields.CharField(max_length=200, unique=True)
    name = fields.CharField(max_length=200)
    password_hash = fields.CharField(max_length=200)
    last_login = fields.DatetimeField(null=True)


class Session(Model):
    id = fields.IntField(primary_key=True)
    token = fields.CharField(max_length=64, unique=True)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("models.User")


class Tag(Model):
    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=50, unique=True)


class Product(Model):
    id = fields.IntField(primary_key=True)
    name = fields.CharField(max_length=200)
    price_cents = fields.IntField()
    stock = fields.IntField()
    tags: fields.ManyToManyRelation[Tag] = fields.ManyToManyField(
        "models.Tag", related_name="products"
    )


class Order(Model):
    id = fields.IntField(primary_key=True)
    user: fields.ForeignKeyRelation[User] = fields.ForeignKeyField("models.User")
    product: fields.ForeignKeyRelation[Product] = fields.ForeignKeyField("models.Product")
    quantity = fields.IntField()
    total_cents = fields.IntField()


class AuditEntry(Model):
    """Who changed what is written here by receivers alone."""

    id = fields.IntField(primary_key=True)
    at = fields.DatetimeField(auto_now_add=True)
    action = fields.CharField(max_length=20)
    model = fields.CharField(max_length=50)
    object_id = fields.IntField(null=True)
    details = fields.CharField(max_length=500, default="")


class OutboxMessage(Model):
    """An e-mail that waits to be sent."""

    id = fields.IntField(primary_key=True)
    at = fields.DatetimeField(auto_now_add=True)
    recipient = fields.CharField(max_length=200)
    subject = fields.CharField(max_length=200)


class FailedLogin(Model):
    id = fields.IntField(primary_key=True)
    at = fields.DatetimeField(auto_now_add=True)
    address = fields.CharField(max_length=100)
    credentials = fields.JSONField[dict[str, str]]()
