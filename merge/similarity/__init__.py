"""How alike task vectors are: per tensor, in a table, and in plain sentences on whether they are independent."""
