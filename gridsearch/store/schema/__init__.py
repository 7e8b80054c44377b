"""Tables, their columns, and how older schemas become the present one."""
