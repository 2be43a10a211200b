"""Acme's own records, and what it keeps of them in its SAP system."""

from django.db import models


class Customer(models.Model):
    number = models.CharField(max_length=10, unique=True)
    name = models.CharField(max_length=80)
    email = models.EmailField(blank=True)
    credit_limit = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    customer_since = models.DateField(null=True, blank=True)
    bank_account = models.CharField(max_length=34, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


class SAPCustomer(models.Model):
    number = models.CharField(max_length=10, unique=True)
    name = models.CharField(max_length=40)
    email = models.EmailField(blank=True)
    credit_limit = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    customer_since = models.DateField(null=True, blank=True)
    bank_account = models.CharField(max_length=34, blank=True)

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


class Bundle(models.Model):
    number = models.CharField(max_length=10, unique=True)
    released_at = models.DateTimeField(null=True, blank=True)
    attributes = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return self.number


class BundleItem(models.Model):
    bundle = models.ForeignKey(Bundle, on_delete=models.CASCADE, related_name="items")
    article = models.CharField(max_length=10)
    weight = models.DecimalField(max_digits=9, decimal_places=3)
    picture = models.BinaryField(null=True, blank=True)
    description = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.bundle} {self.article}"


class SAPArticle(models.Model):
    bundle_number = models.CharField(max_length=10)
    number = models.CharField(max_length=10)
    weight = models.DecimalField(max_digits=9, decimal_places=3)
    picture = models.BinaryField(null=True, blank=True)
    description = models.TextField(blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    attributes = models.JSONField(default=dict, blank=True)

    def __str__(self) -> str:
        return f"{self.bundle_number} {self.number}"
