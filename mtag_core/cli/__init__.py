"""The commands of mtag, and how the words of a command line become a call of one."""
