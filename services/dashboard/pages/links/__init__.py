"""Links and codes: what each brought, and the forms that make one."""
