"""The ground floor: what was made, from what, by what, under which rights."""
