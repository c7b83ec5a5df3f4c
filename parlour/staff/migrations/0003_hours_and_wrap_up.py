from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('staff', '0002_skills_presence_and_teams'),
    ]

    operations = [
        migrations.AddField(
            model_name='team',
            name='hours',
            field=models.CharField(blank=True, default='', max_length=40),
        ),
        migrations.AddField(
            model_name='team',
            name='wrap_up_seconds',
            field=models.PositiveIntegerField(default=0),
        ),
    ]
