"""What every part stands on: settings, the environment, outbound calls, tickets, passwords, encryption, logs. It imports nothing of Amphi."""
