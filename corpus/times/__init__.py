"""What was known when: a corpus as of a day, withdrawals, revisions, and the check that nothing later leaks in."""
