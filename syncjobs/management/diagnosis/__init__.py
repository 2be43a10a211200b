"""What is wrong with an installation and how to mend it: small examinations, each giving findings. Changes nothing."""
