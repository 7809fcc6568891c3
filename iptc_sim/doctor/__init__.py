"""One answer to: why does my Service not work?"""
