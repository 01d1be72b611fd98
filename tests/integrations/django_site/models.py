from __future__ import annotations

from django.db import models


class Note(models.Model):
    text = models.CharField(max_length=50)

    class Meta:
        db_table = "note"


class Tag(models.Model):
    name = models.CharField(max_length=50)


class Post(models.Model):
    title = models.CharField(max_length=50)
    tags = models.ManyToManyField(Tag, related_name="posts")
    readers = models.ManyToManyField("self", symmetrical=False)


class Article(Post):
    """Has a table of its own, which refers to that of posts."""


class Draft(Post):
    """Has no table of its own."""

    class Meta:
        proxy = True


class Comment(models.Model):
    post = models.ForeignKey(Post, on_delete=models.CASCADE)
    text = models.CharField(max_length=50)
