"""One file for each control: what goes in is the same for all, what comes out is what that control loads."""
