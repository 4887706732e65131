"""The probe of a throw-away account: what no document says about SendGrid, tested on segments.

`assumptions` and `judgement` are pure: what segctl assumes, and what an answer means for it. The
rest asks SendGrid, and deletes what it created. Plans and applies never import this.
"""
