"""Asking SendGrid to count segments now, within the quota that it documents."""
